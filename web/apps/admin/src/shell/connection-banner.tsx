import { useFormat } from "@sbs/ui/use-format";
import { Notice } from "@sbs/ui/states";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";

import { useBreak } from "../lib/live/connection";

/** A break shorter than this mends itself; saying so would only make the page jump. */
const GRACE_MS = 3000;

/** Says that the page is not live any more, and since when. */
export function ConnectionBanner() {
  const broken = useBreak();
  const format = useFormat();
  const { t } = useTranslation();
  const [late, setLate] = useState(false);
  const since = broken?.since ?? null;
  useEffect(() => {
    if (since === null) {
      setLate(false);
      return;
    }
    const timer = setTimeout(() => setLate(true), GRACE_MS);
    return () => clearTimeout(timer);
  }, [since]);

  const clock = (at: number) => format.clock(new Date(at));
  const { tooManyUntil = null } = broken ?? {};
  return (
    <div role="status">
      {since === null ? null : tooManyUntil !== null ? (
        <Notice tone="warning" title={t("live.tooMany")}>
          {t("live.tooManyText", { since: clock(since), again: clock(tooManyUntil) })}
        </Notice>
      ) : late ? (
        <Notice tone="warning" title={t("live.lost", { time: clock(since) })}>
          {t("live.lostText")}
        </Notice>
      ) : null}
    </div>
  );
}
