import { Button, PasswordInput, Stack, TextInput } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate, useRouter, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { ProblemView } from "../../components/problem-view";
import { isProblem } from "../../lib/problem";
import { sessionQuery, signIn } from "../../lib/queries/session";
import { LanguageSwitch } from "./language-switch";
import styles from "./sign-in-page.module.css";

export function SignInPage() {
  const { t } = useTranslation();
  const { to } = useSearch({ from: "/sign-in" });
  const navigate = useNavigate();
  const { history } = useRouter();
  const client = useQueryClient();
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const enter = useMutation({
    mutationFn: () => signIn(email, password),
    onSuccess: async (session) => {
      // Whoever was here before: nothing of theirs is shown to the next one.
      client.removeQueries({ predicate: (query) => query.queryKey[0] !== "session" });
      client.setQueryData(sessionQuery.queryKey, session);
      if (to === undefined) await navigate({ to: "/" });
      else history.push(to); // an address as it was, with its search part
    },
  });
  const refusal = isProblem(enter.error) ? enter.error : null;

  return (
    <main className={styles.page}>
      <form
        className={styles.card}
        onSubmit={(event) => {
          event.preventDefault();
          enter.mutate();
        }}
      >
        <div className={styles.head}>
          <img src="/favicon.svg" alt="" width={36} height={36} />
          <LanguageSwitch />
        </div>
        <h1 className={styles.title}>{t("signIn.title")}</h1>
        <p className={styles.text}>{to === undefined ? t("signIn.text") : t("signIn.goOn")}</p>
        {enter.isError && refusal?.isAbout(["/email", "/password"]) !== true ? (
          <ProblemView error={enter.error} />
        ) : null}
        <Stack gap="md">
          <TextInput
            label={t("signIn.email")}
            type="email"
            autoComplete="username"
            required
            withAsterisk={false}
            value={email}
            onChange={(event) => setEmail(event.currentTarget.value)}
            error={refusal?.field("/email")}
            size="md"
          />
          <PasswordInput
            label={t("signIn.password")}
            autoComplete="current-password"
            required
            withAsterisk={false}
            value={password}
            onChange={(event) => setPassword(event.currentTarget.value)}
            error={refusal?.field("/password")}
            visibilityToggleButtonProps={{ "aria-label": t("signIn.showPassword") }}
            size="md"
          />
          <Button type="submit" size="md" fullWidth loading={enter.isPending}>
            {t("signIn.act")}
          </Button>
        </Stack>
      </form>
    </main>
  );
}
