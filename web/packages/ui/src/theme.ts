import { createTheme, type MantineColorsTuple } from "@mantine/core";

/** The one accent: a quiet indigo, apart from the blue that means "running". */
const accent: MantineColorsTuple = [
  "#eef0fb",
  "#dcdff4",
  "#b6bde9",
  "#8f9adf",
  "#6e7bd6",
  "#5a68d0",
  "#4a58c4",
  "#3d4aae",
  "#343f96",
  "#28317a",
];

/** Neutral surface, a little cool. */
const gray: MantineColorsTuple = [
  "#f7f8fa",
  "#f0f2f5",
  "#e4e7ec",
  "#d3d8df",
  "#bac1cb",
  "#949dab",
  "#667080",
  "#4b5563",
  "#323a46",
  "#1d232c",
];

const dark: MantineColorsTuple = [
  "#d5d9e0",
  "#b4bac5",
  "#969eab",
  "#6d7684",
  "#454d5a",
  "#363d49",
  "#272d37",
  "#1c2129",
  "#15191f",
  "#0f1216",
];

/** Danger: what can't be undone. */
const red: MantineColorsTuple = [
  "#fdeeee",
  "#f8d9d9",
  "#efb0b0",
  "#e58484",
  "#dd6060",
  "#d54747",
  "#c93636",
  "#b32a2a",
  "#9e2323",
  "#7f1a1a",
];

/** The look of the console; its sizes are for pages that show much at once. */
export const theme = createTheme({
  colors: { accent, gray, dark, red },
  primaryColor: "accent",
  primaryShade: { light: 7, dark: 6 },
  autoContrast: true,
  fontFamily: "'Inter Variable', system-ui, 'Segoe UI', sans-serif",
  fontFamilyMonospace: "ui-monospace, 'SF Mono', Menlo, Consolas, 'DejaVu Sans Mono', monospace",
  fontSizes: { xs: "0.75rem", sm: "0.8125rem", md: "0.875rem", lg: "1rem", xl: "1.125rem" },
  headings: {
    fontWeight: "620",
    sizes: {
      h1: { fontSize: "1.375rem", lineHeight: "1.3" },
      h2: { fontSize: "1.0625rem", lineHeight: "1.35" },
      h3: { fontSize: "0.9375rem", lineHeight: "1.4" },
    },
  },
  defaultRadius: "sm",
  radius: { xs: "3px", sm: "5px", md: "8px", lg: "12px", xl: "16px" },
  spacing: { xs: "6px", sm: "10px", md: "14px", lg: "20px", xl: "28px" },
  cursorType: "pointer",
  respectReducedMotion: true,
  components: {
    Button: { defaultProps: { size: "sm" } },
    TextInput: { defaultProps: { size: "sm" } },
    PasswordInput: { defaultProps: { size: "sm" } },
    Select: { defaultProps: { size: "sm", allowDeselect: false } },
    NumberInput: { defaultProps: { size: "sm" } },
    Textarea: { defaultProps: { size: "sm" } },
    // Locking the page's scroll would need an inline style element, which our policy forbids.
    Modal: { defaultProps: { lockScroll: false, centered: false, transitionProps: { duration: 120 } } },
    Drawer: { defaultProps: { lockScroll: false, transitionProps: { duration: 120 } } },
    Menu: { defaultProps: { transitionProps: { duration: 100 } } },
    Tooltip: { defaultProps: { openDelay: 300, transitionProps: { duration: 100 } } },
  },
});
