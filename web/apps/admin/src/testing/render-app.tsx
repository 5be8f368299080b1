import { MantineProvider } from "@mantine/core";
import { Notifications } from "@mantine/notifications";
import uiEn from "@sbs/ui/messages/en.json";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import {
  createMemoryHistory,
  createRootRoute,
  createRoute,
  createRouter,
  RouterProvider,
} from "@tanstack/react-router";
import { render } from "@testing-library/react";
import { createInstance } from "i18next";
import type { ReactNode } from "react";
import { I18nextProvider, initReactI18next } from "react-i18next";

import { sessionQuery, type Session } from "../lib/queries/session";
import appEn from "../messages/en.json";

export const ORG = "11111111-1111-4111-8111-111111111111";
export const USER = "22222222-2222-4222-8222-222222222222";

type Role = Session["memberships"][number]["role"];

const sessionOf = (role: Role) =>
  ({ user: { id: USER }, memberships: [{ organization_id: ORG, role }] }) as unknown as Session;

/**
 * Shows something inside of an organization's pages, in English, to an administrator unless it is said to whom. For
 * tests only. Answers of the API that it needs are put into the client before.
 */
export async function renderApp(
  element: () => ReactNode,
  client = new QueryClient(),
  role: Role = "org_admin",
) {
  client.setQueryData(sessionQuery.queryKey, sessionOf(role));
  const texts = createInstance();
  await texts.use(initReactI18next).init({
    lng: "en",
    ns: ["ui", "app"],
    defaultNS: "app",
    interpolation: { escapeValue: false },
    resources: { en: { ui: uiEn, app: appEn } },
  });
  const root = createRootRoute();
  const page = createRoute({ getParentRoute: () => root, path: "/o/$org", component: () => element() });
  const router = createRouter({
    routeTree: root.addChildren([page]),
    history: createMemoryHistory({ initialEntries: [`/o/${ORG}`] }),
  });
  await router.load();
  return render(
    <I18nextProvider i18n={texts}>
      <MantineProvider env="test">
        <QueryClientProvider client={client}>
          <Notifications />
          {/* The registered type is the application's own router; this one has a single page. */}
          <RouterProvider router={router as never} />
        </QueryClientProvider>
      </MantineProvider>
    </I18nextProvider>,
  );
}
