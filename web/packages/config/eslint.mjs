import js from "@eslint/js";
import i18next from "eslint-plugin-i18next";
import { createTypeScriptImportResolver } from "eslint-import-resolver-typescript";
import importX from "eslint-plugin-import-x";
import a11y from "eslint-plugin-jsx-a11y";
import hooks from "eslint-plugin-react-hooks";
import globals from "globals";
import tseslint from "typescript-eslint";

/** A file above this length is split by idea. */
const MOST_LINES = 250;

/** Imports go one way: app → features → shell parts → lib. A feature never reaches into another one. */
const FEATURES = ["session", "overview", "runs", "jobs", "agents", "snapshots", "restore", "repositories"];
const SRC = "./apps/admin/src";
const oneWay = [
  ...FEATURES.map((name) => ({
    target: `${SRC}/features/${name}`,
    from: `${SRC}/features`,
    except: [`./${name}`],
    message: "A feature does not import another one: what both need belongs in lib/ or components/.",
  })),
  { target: `${SRC}/features`, from: [`${SRC}/app`, `${SRC}/shell`] },
  { target: `${SRC}/components`, from: [`${SRC}/app`, `${SRC}/shell`, `${SRC}/features`] },
  { target: `${SRC}/lib`, from: [`${SRC}/app`, `${SRC}/shell`, `${SRC}/features`, `${SRC}/components`] },
  { target: "./packages/ui", from: ["./apps", "./packages/api-admin"] },
];

export default tseslint.config(
  { ignores: ["**/dist/**", "**/node_modules/**", "packages/api-admin/src/schema.d.ts"] },
  js.configs.recommended,
  { files: ["**/public/*.js"], languageOptions: { globals: globals.browser, sourceType: "script" } },
  ...tseslint.configs.strict,
  {
    files: ["**/*.{ts,tsx,mjs}"],
    plugins: { "import-x": importX },
    settings: {
      "import-x/resolver-next": [
        createTypeScriptImportResolver({ project: ["apps/*/tsconfig.json", "packages/*/tsconfig.json"] }),
      ],
    },
    languageOptions: { globals: { ...globals.browser, ...globals.node } },
    rules: {
      "max-lines": ["error", { max: MOST_LINES, skipBlankLines: true }],
      "no-console": "error",
      eqeqeq: "error",
      "import-x/no-cycle": "error",
      "import-x/no-restricted-paths": ["error", { zones: oneWay }],
      "no-restricted-globals": ["error", { name: "fetch", message: "Ask the generated client (lib/api)." }],
      "no-restricted-syntax": [
        "error",
        {
          selector: "JSXAttribute[name.name='dangerouslySetInnerHTML']",
          message: "HTML from data is never shown.",
        },
        {
          selector: "CallExpression[callee.property.name='toLocaleString']",
          message: "Numbers and times go through @sbs/ui/format, which knows the reader's language.",
        },
      ],
    },
  },
  {
    files: ["**/*.tsx"],
    ...a11y.flatConfigs.strict,
  },
  {
    files: ["**/*.{ts,tsx}"],
    plugins: { "react-hooks": hooks },
    rules: { "react-hooks/rules-of-hooks": "error", "react-hooks/exhaustive-deps": "error" },
  },
  {
    // Text comes from the catalogue: literal JSX text and readable attributes are errors.
    files: ["**/*.tsx"],
    ignores: ["**/*.test.tsx"],
    plugins: { i18next },
    rules: {
      "i18next/no-literal-string": [
        "error",
        {
          mode: "jsx-only",
          "jsx-attributes": {
            include: ["^(label|title|description|placeholder|alt|aria-label|hint|message)$"],
          },
          words: { exclude: ["^[^A-Za-zА-Яа-яЁё]*$", "^SBS$"] },
        },
      ],
    },
  },
);
