/**
 * Vite plugin: `virtual:theme.css` is the theme's CSS variables as a file of ours.
 *
 * Mantine would write them into a <style> element at run time. As a file they need no 'unsafe-inline' in the
 * Content-Security-Policy, and the first paint has the right colours.
 */
import {
  convertCssVariables,
  defaultCssVariablesResolver,
  mergeMantineTheme,
  DEFAULT_THEME,
} from "@mantine/core";

const ID = "virtual:theme.css";
const RESOLVED = `\0${ID}`;

/** `theme` is what createTheme() returned. */
export function themeCss(theme) {
  const merged = mergeMantineTheme(DEFAULT_THEME, theme);
  const css = convertCssVariables(defaultCssVariablesResolver(merged), ":root");
  return {
    name: "sbs-theme-css",
    resolveId: (id) => (id === ID ? RESOLVED : undefined),
    load: (id) => (id === RESOLVED ? css : undefined),
  };
}
