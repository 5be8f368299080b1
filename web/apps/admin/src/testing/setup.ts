import "@sbs/ui/testing-stubs";

import { cleanup } from "@testing-library/react";
import { afterEach } from "vitest";

// The router scrolls, jsdom does not.
window.scrollTo = () => undefined;

afterEach(() => {
  cleanup();
  localStorage.clear();
});
