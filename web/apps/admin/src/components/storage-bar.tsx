import { Progress } from "@mantine/core";
import { useFormat } from "@sbs/ui/use-format";
import { useTranslation } from "react-i18next";

interface Place {
  free_bytes: number | null;
  total_bytes: number | null;
  problem: { message: string } | null;
}

/** Above this share of a disk its bar warns. */
const NEARLY_FULL = 0.9;

/** How full the disk of a place is, or why that is not known. */
export function StorageBar({ place }: { place: Place }) {
  const { t } = useTranslation();
  const format = useFormat();
  if (place.problem !== null)
    return <div style={{ color: "var(--sbs-failed)" }}>{place.problem.message}</div>;
  const { free_bytes: free, total_bytes: total } = place;
  if (free === null || total === null || total === 0) return null;
  const used = (total - free) / total;
  const words = t("storage.free", { free: format.bytes(free), total: format.bytes(total) });
  return (
    <div>
      <Progress
        value={used * 100}
        size={6}
        mt={4}
        mb={2}
        color={used > NEARLY_FULL ? "var(--sbs-warning)" : "var(--sbs-accent)"}
        aria-label={words}
      />
      <span className="sbs-number" style={{ display: "block", color: "var(--sbs-muted)", lineHeight: 1.3 }}>
        {words}
      </span>
    </div>
  );
}
