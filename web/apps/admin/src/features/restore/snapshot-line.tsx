import { ExactTime } from "@sbs/ui/relative-time";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";

import { useOrg } from "../../lib/organization";
import { snapshotQuery } from "../../lib/queries/snapshots";

/** What is restored from, in a line. */
export function SnapshotLine({ snapshotId }: { snapshotId: string }) {
  const org = useOrg();
  const { t } = useTranslation();
  const { data } = useQuery(snapshotQuery(org, snapshotId));
  if (data === undefined) return null;
  return (
    <p style={{ margin: 0 }}>
      {t("restore.asItWas")}{" "}
      <strong>
        <ExactTime at={data.taken_at} />
      </strong>
      {" · "}
      {data.agent_name}
      {" · "}
      {data.job_name}
    </p>
  );
}
