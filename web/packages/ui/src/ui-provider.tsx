import { localStorageColorSchemeManager, MantineProvider } from "@mantine/core";
import type { ReactNode } from "react";

import { theme } from "./theme";

/** Also read by public/scheme.js before the first paint. */
export const SCHEME_KEY = "sbs.scheme";
const schemes = localStorageColorSchemeManager({ key: SCHEME_KEY });

/**
 * Mantine with our theme and without run-time <style> elements: its variables come as a file (virtual:theme.css),
 * so that the policy can be `style-src 'self'`.
 */
export function UiProvider({ children }: { children: ReactNode }) {
  return (
    <MantineProvider
      theme={theme}
      colorSchemeManager={schemes}
      defaultColorScheme="auto"
      withCssVariables={false}
      withGlobalClasses={false}
    >
      {children}
    </MantineProvider>
  );
}
