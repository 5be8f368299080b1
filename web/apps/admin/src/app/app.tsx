import { Notifications } from "@mantine/notifications";
import { UiProvider } from "@sbs/ui/ui-provider";
import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import type { i18n } from "i18next";
import { I18nextProvider } from "react-i18next";

import type { AppRouter } from "./router";

interface Props {
  router: AppRouter;
  texts: i18n;
}

export function App({ router, texts }: Props) {
  return (
    <I18nextProvider i18n={texts}>
      <UiProvider>
        <QueryClientProvider client={router.options.context.queryClient}>
          <Notifications position="bottom-right" autoClose={5000} limit={4} />
          <RouterProvider router={router} />
        </QueryClientProvider>
      </UiProvider>
    </I18nextProvider>
  );
}
