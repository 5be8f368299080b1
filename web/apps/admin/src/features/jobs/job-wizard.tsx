import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";

import { DraftWizard } from "../../components/draft-wizard";
import { ProblemView } from "../../components/problem-view";
import { useDraft } from "../../lib/draft";
import { useOrg } from "../../lib/organization";
import { isProblem, type ApiProblem } from "../../lib/problem";
import { checkJob, createJob, editJob, jobQuery, type JobDetail } from "../../lib/queries/jobs";
import { bodyOf, bodyOfStep, draftOf, newDraft, STEPS, stepOfPointer, type JobDraft } from "./job-draft";
import { StepSummary } from "./step-summary";
import { StepWhat } from "./step-what";
import { StepWhen } from "./step-when";
import { StepWhere } from "./step-where";

/** What each step gets: the form, how to change it, and what the server said about its fields. */
export interface StepProps {
  draft: JobDraft;
  set: (part: Partial<JobDraft>) => void;
  refusal: ApiProblem | null;
}

const LAST = STEPS.length - 1;

/** Makes a job, or edits one. Each step is looked at by the server before the next; the draft outlives reload. */
export function JobWizard({ job }: { job: JobDetail | null }) {
  const { t } = useTranslation();
  const { draft, set, clear, isKept } = useDraft(job === null ? "job" : `job.${job.id}`, () =>
    job === null ? newDraft() : draftOf(job),
  );
  const check = useCheck(job, draft, set);
  const save = useSave(job, draft, set, clear);
  const failed = save.isError ? save.error : check.error;
  const refusal = isProblem(failed) ? failed : null;
  const pointers = STEPS[draft.step]?.fields.map((field) => `/${field}`) ?? [];
  const change = (part: Partial<JobDraft>) => {
    check.reset();
    save.reset();
    set(part);
  };
  const step: StepProps = { draft, set: change, refusal };

  return (
    <DraftWizard
      steps={STEPS.map(({ name }) => t(`jobs.step.${name}`))}
      active={draft.step}
      go={(to) => change({ step: to })}
      submit={() => (draft.step === LAST ? save.mutate() : check.mutate())}
      discard={isKept ? clear : null}
      lastAct={job === null ? t("jobs.create") : t("act.save")}
      isBusy={check.isPending || save.isPending}
    >
      {failed !== null && refusal?.isAbout(pointers) !== true ? <ProblemView error={failed} /> : null}
      {draft.step === 0 ? <StepWhat {...step} /> : null}
      {draft.step === 1 ? <StepWhere {...step} /> : null}
      {draft.step === 2 ? <StepWhen {...step} /> : null}
      {draft.step >= LAST ? <StepSummary draft={draft} /> : null}
    </DraftWizard>
  );
}

function useCheck(job: JobDetail | null, draft: JobDraft, set: (part: Partial<JobDraft>) => void) {
  const org = useOrg();
  return useMutation({
    mutationFn: () => checkJob(org, bodyOfStep(draft, draft.step), job?.id ?? null),
    onSuccess: () => set({ step: draft.step + 1 }),
  });
}

function useSave(
  job: JobDetail | null,
  draft: JobDraft,
  set: (part: Partial<JobDraft>) => void,
  clear: () => void,
) {
  const org = useOrg();
  const client = useQueryClient();
  const navigate = useNavigate();
  return useMutation({
    mutationFn: () =>
      job === null
        ? createJob(org, { ...bodyOf(draft), offset_s: 0, paused: false })
        : editJob(org, job.id, draft.version, bodyOf(draft)),
    onSuccess: async (saved) => {
      client.setQueryData(jobQuery(org, saved.id).queryKey, saved);
      await navigate({ to: "/o/$org/jobs/$jobId", params: { org, jobId: saved.id } });
      clear();
    },
    onError: (error) => {
      // Somebody else has saved: a new form should begin with what the job is by now.
      if (isProblem(error, 412) && job !== null) {
        void client.invalidateQueries({ queryKey: jobQuery(org, job.id).queryKey });
      }
      const pointer = isProblem(error) ? error.body.errors?.[0]?.pointer : undefined;
      const step = pointer === undefined ? null : stepOfPointer(pointer);
      if (step !== null) set({ step });
    },
  });
}
