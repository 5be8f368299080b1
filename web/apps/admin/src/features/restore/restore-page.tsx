import { PageHeader } from "@sbs/ui/page-header";
import { Notice } from "@sbs/ui/states";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";

import { DraftWizard } from "../../components/draft-wizard";
import { ProblemView } from "../../components/problem-view";
import { useDraft } from "../../lib/draft";
import { useOrg, useRights } from "../../lib/organization";
import { isProblem, type ApiProblem } from "../../lib/problem";
import { createRestore } from "../../lib/queries/restores";
import { snapshotQuery } from "../../lib/queries/snapshots";
import { bodyOf, missing, newDraft, ofSnapshot, STEPS, type RestoreDraft } from "./restore-draft";
import { StepFiles } from "./step-files";
import { StepSnapshot } from "./step-snapshot";
import { StepSummary } from "./step-summary";
import { StepTarget } from "./step-target";

export interface StepProps {
  draft: RestoreDraft;
  set: (part: Partial<RestoreDraft>) => void;
  refusal: ApiProblem | null;
}

const LAST = STEPS.length - 1;
/** Fields that the third step shows; a refusal of them leads back to it. */
const TARGET_FIELDS = ["/agent_id", "/target_folder", "/policy"];

/** From a snapshot to files on a machine: which, where to, how; then the run's page shows the rest. */
export function RestorePage() {
  const org = useOrg();
  const { t } = useTranslation();
  const { operate } = useRights();
  const navigate = useNavigate();
  const { draft, set, clear, isKept } = useDraft("restore", newDraft);
  const [hasAsked, setHasAsked] = useState(false);
  useAskedFor(draft, set);
  const starting = useMutation({
    mutationFn: () => createRestore(org, bodyOf(draft)),
    onSuccess: async ({ run }) => {
      await navigate({ to: "/o/$org/runs/$runId", params: { org, runId: run.id } });
      clear();
    },
    onError: (error) => {
      if (isProblem(error) && error.isAbout(TARGET_FIELDS)) set({ step: 2 });
    },
  });
  const refusal = isProblem(starting.error) ? starting.error : null;
  const change = (part: Partial<RestoreDraft>) => {
    starting.reset();
    setHasAsked(false);
    set(part);
  };
  const step: StepProps = { draft, set: change, refusal };
  const lacking = missing(draft, draft.step);

  return (
    <>
      <PageHeader title={t("pages.restore")} description={t("restore.about")} />
      {operate ? null : <Notice tone="quiet" title={t("restore.mayNot")} />}
      <DraftWizard
        steps={STEPS.map((name) => t(`restore.step.${name}`))}
        active={draft.step}
        go={(to) => change({ step: to })}
        submit={() => {
          setHasAsked(true);
          if (lacking !== null || !operate) return;
          if (draft.step === LAST) starting.mutate();
          else change({ step: draft.step + 1 });
        }}
        discard={isKept ? clear : null}
        lastAct={t("restore.begin")}
        isBusy={starting.isPending}
        isOff={!operate}
        // The first step is left by choosing a snapshot.
        withoutButtons={draft.snapshotId === null}
      >
        {starting.isError && refusal?.isAbout(TARGET_FIELDS) !== true ? (
          <ProblemView error={starting.error} />
        ) : null}
        {hasAsked && lacking !== null ? (
          <Notice tone="failed" title={t(`restore.missing.${lacking}`)} />
        ) : null}
        {draft.step === 0 ? <StepSnapshot {...step} /> : null}
        {draft.step === 1 ? <StepFiles {...step} /> : null}
        {draft.step === 2 ? <StepTarget {...step} /> : null}
        {draft.step >= LAST ? <StepSummary draft={draft} /> : null}
      </DraftWizard>
    </>
  );
}

/** A link from a snapshot's page begins with that snapshot, and perhaps one of its files. */
function useAskedFor(draft: RestoreDraft, set: (part: Partial<RestoreDraft>) => void): void {
  const org = useOrg();
  const { snapshot: id, pick } = useSearch({ from: "/signed-in/o/$org/restore" });
  const navigate = useNavigate({ from: "/o/$org/restore" });
  const { data: snapshot } = useQuery({ ...snapshotQuery(org, id ?? ""), enabled: id !== undefined });
  const taken = useRef<object | null>(null);
  useEffect(() => {
    // Once for each link: what it does to the draft must not be an occasion to do it again.
    if (snapshot === undefined || taken.current === snapshot) return;
    taken.current = snapshot;
    const isSame = draft.snapshotId === snapshot.id;
    set({
      ...ofSnapshot(snapshot),
      everything: false,
      step: pick === undefined ? 1 : 2,
      paths: pick === undefined ? (isSame ? draft.paths : []) : [pick],
      folder: isSame ? draft.folder : "/",
    });
    // The draft has it now; a reload must not begin anew.
    void navigate({ search: {}, replace: true });
  }, [snapshot, pick, draft.snapshotId, draft.paths, draft.folder, set, navigate]);
}
