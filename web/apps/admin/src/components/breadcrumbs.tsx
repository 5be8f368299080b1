import { useTranslation } from "react-i18next";

import styles from "./breadcrumbs.module.css";

interface Props {
  path: string;
  open: (path: string) => void;
}

/** The folders above, each a way back. */
export function Breadcrumbs({ path, open }: Props) {
  const { t } = useTranslation();
  const names = path.split("/").filter((name) => name !== "");
  const crumbs = [
    { name: t("files.root"), path: "/" },
    ...names.map((name, index) => ({ name, path: `/${names.slice(0, index + 1).join("/")}` })),
  ];
  return (
    <nav aria-label={t("files.where")} className={styles.crumbs}>
      <ol>
        {crumbs.map((crumb, index) => (
          <li key={crumb.path}>
            {index === crumbs.length - 1 ? (
              <span aria-current="location">{crumb.name}</span>
            ) : (
              <button type="button" onClick={() => open(crumb.path)}>
                {crumb.name}
              </button>
            )}
          </li>
        ))}
      </ol>
    </nav>
  );
}
