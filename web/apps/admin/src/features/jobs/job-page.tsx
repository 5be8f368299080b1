import { PageHeader } from "@sbs/ui/page-header";
import { ExactTime } from "@sbs/ui/relative-time";
import { Section } from "@sbs/ui/section";
import { Notice } from "@sbs/ui/states";
import { StatusBadge } from "@sbs/ui/status-badge";
import { useFormat } from "@sbs/ui/use-format";
import { useQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";

import { LastRuns } from "../../components/last-runs";
import { PageLink } from "../../components/link";
import { QueryView } from "../../components/query-view";
import { cronSentence } from "../../lib/cron-sentence";
import { useOrg } from "../../lib/organization";
import { jobQuery, type JobDetail } from "../../lib/queries/jobs";
import { useLanguage } from "../../lib/use-language";
import { JobActs } from "./job-acts";
import { JobFacts } from "./job-facts";
import { jobStatus } from "./job-status";
import styles from "./job-page.module.css";

export function JobPage() {
  const org = useOrg();
  const { jobId } = useParams({ from: "/signed-in/o/$org/jobs/$jobId" });
  const query = useQuery(jobQuery(org, jobId));
  return <QueryView query={query}>{(job) => <JobView job={job} />}</QueryView>;
}

function JobView({ job }: { job: JobDetail }) {
  const org = useOrg();
  const { t } = useTranslation();
  const format = useFormat();
  const [locale] = useLanguage();
  return (
    <>
      <PageHeader
        trail={
          <PageLink to="/o/$org/jobs" params={{ org }}>
            {t("pages.jobs")}
          </PageLink>
        }
        title={job.name}
        status={<StatusBadge status={jobStatus(job)} />}
        description={
          job.cron === null
            ? t("jobs.byHand")
            : t("jobs.scheduleIn", { sentence: cronSentence(job.cron, locale), zone: job.time_zone })
        }
        actions={<JobActs job={job} />}
      />
      {job.overdue_since === null ? null : (
        <Notice tone="warning" title={t("jobs.overdue", { time: format.exact(new Date(job.overdue_since)) })}>
          {t("jobs.overdueText")}
        </Notice>
      )}
      {job.paused ? <Notice tone="quiet" title={t("jobs.pausedText")} /> : null}
      <div className={styles.columns}>
        <JobFacts job={job} />
        <NextRuns job={job} />
      </div>
      <LastRuns of={{ job: job.id }} none={{ title: t("jobs.noRuns"), text: t("jobs.noRunsText") }} />
    </>
  );
}

function NextRuns({ job }: { job: JobDetail }) {
  const { t } = useTranslation();
  return (
    <Section title={t("jobs.nextRuns")}>
      {job.next_runs.length === 0 ? <p className={styles.quiet}>{t("jobs.noNextRuns")}</p> : null}
      <ol className={styles.times}>
        {job.next_runs.map((at) => (
          <li key={at}>
            <ExactTime at={at} />
          </li>
        ))}
      </ol>
      {job.schedule_notes.map((note) => (
        <p key={note.message} className={styles.quiet}>
          {note.message}
        </p>
      ))}
    </Section>
  );
}
