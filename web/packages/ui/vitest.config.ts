import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    environment: "jsdom",
    css: false,
    setupFiles: ["src/testing-setup.ts"],
    include: ["src/**/*.test.{ts,tsx}"],
  },
});
