import { useFormat } from "@sbs/ui/use-format";
import { Notice } from "@sbs/ui/states";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";

import { useLostSince } from "../lib/live/connection";

/** A break shorter than this mends itself; saying so would only make the page jump. */
const GRACE_MS = 3000;

/** Says that the page is not live any more, and since when. */
export function ConnectionBanner() {
  const since = useLostSince();
  const format = useFormat();
  const { t } = useTranslation();
  const [late, setLate] = useState(false);
  useEffect(() => {
    if (since === null) {
      setLate(false);
      return;
    }
    const timer = setTimeout(() => setLate(true), GRACE_MS);
    return () => clearTimeout(timer);
  }, [since]);
  return (
    <div role="status">
      {since !== null && late ? (
        <Notice tone="warning" title={t("live.lost", { time: format.clock(new Date(since)) })}>
          {t("live.lostText")}
        </Notice>
      ) : null}
    </div>
  );
}
