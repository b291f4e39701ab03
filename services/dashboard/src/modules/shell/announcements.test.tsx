/** @jest-environment ./services/dashboard/src/testing/browser.mjs */
import { act, fireEvent, screen } from "@testing-library/react";
import { openPage } from "../../testing/page.js";

const appearance = {
  application_name: "Acme",
  logo_url: "https://acme.example/logo.png",
  docs_url: "https://docs.acme.example",
  service_banner: { enabled: false },
  announcement_banners: [
    {
      enabled: true,
      message: "Maintenance on [Sunday](https://acme.example/status).",
      background_color: "#ffee00",
    },
    { enabled: true, message: "<b>bold</b>", background_color: "red;position:fixed" },
    { enabled: false, message: "Not yet." },
  ],
  notification_banners: [],
  support_links: [{ name: "Help desk", target: "https://help.acme.example", icon: "chat" }],
};

test("every page shows what the operator announces, its name and logo, and its links", async () => {
  using _ = openPage("/workspaces", { workspaceList: { workspaces: [], count: 0 }, appearance });
  const link = await screen.findByRole("link", { name: "Sunday" });
  expect(link.getAttribute("href")).toBe("https://acme.example/status");
  expect(link.closest("p")!.style.color).toBe("rgb(0, 0, 0)");
  expect(screen.getByText("<b>bold</b>").style.backgroundColor).toBe("");
  expect(screen.queryByText("Not yet.")).toBeNull();
  screen.getByText("Acme");
  expect(screen.getByRole("link", { name: "Acme" }).querySelector("img")!.getAttribute("src")).toBe(
    appearance.logo_url,
  );
  await act(async () => {
    fireEvent.keyDown(screen.getByRole("button", { name: /Account menu/ }), { key: "Enter" });
  });
  const help = await screen.findByRole("menuitem", { name: "Help desk" });
  expect(help.getAttribute("href")).toBe("https://help.acme.example");
  screen.getByRole("menuitem", { name: "Documentation" });
});
