import type { MantineThemeOverride } from "@mantine/core";
import type { Plugin } from "vite";

export function themeCss(theme: MantineThemeOverride): Plugin;
