import { themeCss } from "@sbs/config/theme-css";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

import { theme } from "../../packages/ui/src/theme.ts";

/** `npm run dev` shows this checkout's pages on the API of a running platform. */
const PLATFORM = process.env.SBS_CONSOLE_API ?? "https://localhost:8443";

export default defineConfig({
  plugins: [react(), themeCss(theme)],
  build: { manifest: true, target: "es2023", modulePreload: { polyfill: false }, assetsInlineLimit: 0 },
  server: {
    port: 5173,
    // The platform's certificate is its own; the browser's Origin is not the platform's.
    proxy: { "/api": { target: PLATFORM, secure: false, changeOrigin: true, headers: { origin: PLATFORM } } },
  },
  test: {
    environment: "jsdom",
    setupFiles: ["src/testing/setup.ts"],
    css: false,
  },
} as Parameters<typeof defineConfig>[0]);
