import { MantineProvider } from "@mantine/core";
import { render } from "@testing-library/react";
import { createInstance } from "i18next";
import type { PropsWithChildren, ReactElement } from "react";
import { I18nextProvider, initReactI18next } from "react-i18next";

import en from "./messages/en.json";

/** Renders a component of ours as an application would, in English. For tests only. */
export function renderUi(element: ReactElement) {
  const texts = createInstance();
  void texts
    .use(initReactI18next)
    .init({ lng: "en", ns: ["ui"], resources: { en: { ui: en } }, initAsync: false });
  return render(element, {
    wrapper: ({ children }: PropsWithChildren) => (
      <I18nextProvider i18n={texts}>
        <MantineProvider env="test">{children}</MantineProvider>
      </I18nextProvider>
    ),
  });
}
