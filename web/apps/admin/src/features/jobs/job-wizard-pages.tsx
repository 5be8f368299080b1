import { PageHeader } from "@sbs/ui/page-header";
import { useQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";

import { PageLink } from "../../components/link";
import { QueryView } from "../../components/query-view";
import { useOrg } from "../../lib/organization";
import { jobQuery, type JobDetail } from "../../lib/queries/jobs";
import { JobWizard } from "./job-wizard";

export function NewJobPage() {
  const { t } = useTranslation();
  const org = useOrg();
  return (
    <>
      <PageHeader
        trail={
          <PageLink to="/o/$org/jobs" params={{ org }}>
            {t("pages.jobs")}
          </PageLink>
        }
        title={t("jobs.create")}
      />
      <JobWizard job={null} />
    </>
  );
}

export function EditJobPage() {
  const org = useOrg();
  const { jobId } = useParams({ from: "/signed-in/o/$org/jobs/$jobId/edit" });
  const query = useQuery(jobQuery(org, jobId));
  return <QueryView query={query}>{(job) => <EditJob job={job} />}</QueryView>;
}

function EditJob({ job }: { job: JobDetail }) {
  const { t } = useTranslation();
  const org = useOrg();
  return (
    <>
      <PageHeader
        trail={
          <PageLink to="/o/$org/jobs/$jobId" params={{ org, jobId: job.id }}>
            {job.name}
          </PageLink>
        }
        title={t("jobs.editTitle")}
      />
      <JobWizard key={job.id} job={job} />
    </>
  );
}
