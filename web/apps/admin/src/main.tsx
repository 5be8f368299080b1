import "@mantine/core/styles.css";
import "virtual:theme.css";
import "@sbs/ui/styles.css";
import "@mantine/notifications/styles.css";
import "@mantine/spotlight/styles.css";

import { fontsReady } from "@sbs/ui/fonts";
import { startTexts } from "@sbs/ui/i18n";
import type { QueryClient } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { App } from "./app/app";
import { createQueryClient } from "./app/query-client";
import { createAppRouter, type AppRouter } from "./app/router";
import { firstLocale, loadTexts } from "./lib/language";
import { lastOrganization } from "./lib/last-organization";
import { sessionQuery } from "./lib/queries/session";

async function start(element: HTMLElement): Promise<void> {
  const client = createQueryClient(() => {
    const { href, pathname } = router.state.location;
    if (pathname !== "/sign-in")
      void router.navigate({ to: "/sign-in", search: { to: href }, replace: true });
  });
  const router: AppRouter = createAppRouter(client);
  preloadPage(router);
  // Who is signed in is asked while the texts are on their way, not after.
  const locale = firstLocale();
  document.documentElement.lang = locale; // what the server explains, it explains in this language
  void client.prefetchQuery(sessionQuery);
  if (lastOrganization() !== null) startPage(router, client);
  const [texts] = await Promise.all([startTexts(locale, loadTexts), fontsReady()]);
  createRoot(element).render(
    <StrictMode>
      <App router={router} texts={texts} />
    </StrictMode>,
  );
}

/** The code of the page at the address, at once: else it would be asked for only after who is signed in is known. */
function preloadPage(router: AppRouter): void {
  for (const { routeId } of router.matchRoutes(router.latestLocation)) {
    const component = router.routesById[routeId as keyof typeof router.routesById].options.component;
    if (component !== undefined && "preload" in component) void component.preload?.();
  }
}

/**
 * What the page at the address shows, at once: who was signed in here before most likely still is. Who is not is told
 * so by the router, as always.
 */
function startPage(router: AppRouter, queryClient: QueryClient): void {
  for (const { routeId, params, loaderDeps } of router.matchRoutes(router.latestLocation)) {
    const loader: unknown = router.routesById[routeId as keyof typeof router.routesById].options.loader;
    if (typeof loader === "function") {
      (loader as (asked: object) => void)({ context: { queryClient }, params, deps: loaderDeps });
    }
  }
}

const element = document.getElementById("root");
if (element === null) throw new Error("the page has no element #root");
void start(element);
