export { default } from "@sbs/config/eslint";
