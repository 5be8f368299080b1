import { Anchor, Button, type AnchorProps, type ButtonProps } from "@mantine/core";
import { createLink } from "@tanstack/react-router";
import { forwardRef, type AnchorHTMLAttributes } from "react";

type Native = Omit<AnchorHTMLAttributes<HTMLAnchorElement>, keyof AnchorProps>;

/** A link to a page of ours. */
export const PageLink = createLink(
  forwardRef<HTMLAnchorElement, AnchorProps & Native>((props, ref) => <Anchor ref={ref} {...props} />),
);

type NativeOfButton = Omit<AnchorHTMLAttributes<HTMLAnchorElement>, keyof ButtonProps>;

/** A link to a page of ours that looks like a button. */
export const ButtonLink = createLink(
  forwardRef<HTMLAnchorElement, ButtonProps & NativeOfButton>((props, ref) => (
    <Button component="a" ref={ref} {...props} />
  )),
);
