import "i18next";

import type ui from "../../../packages/ui/src/messages/en.json";
import type app from "./messages/en.json";

// Keys that are not in the English catalogue do not compile.
declare module "i18next" {
  interface CustomTypeOptions {
    defaultNS: "app";
    resources: { ui: typeof ui; app: typeof app };
  }
}
