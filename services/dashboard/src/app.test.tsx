/** @jest-environment ./services/dashboard/src/testing/browser.mjs */
import { DASHBOARD_PAGES } from "@fleet/sdk";
import { createRoutesFromElements, type RouteObject } from "react-router";
import { Pages } from "./app.js";

/** Paths that render a page, except the "not found" route. */
function addressesOf(routes: readonly RouteObject[], above = ""): string[] {
  return routes.flatMap((route) => {
    const own = route.path === undefined ? above : `${above}/${route.path}`.replace(/\/{2,}/g, "/");
    const inner = addressesOf(route.children ?? [], own);
    const drawn = route.path !== undefined && route.path !== "*" && !own.startsWith("/*");
    return [...(drawn ? [own] : []), ...inner];
  });
}

test("the server answers with the dashboard exactly at its router's paths", () => {
  const addresses = addressesOf(createRoutesFromElements(Pages().props.children));
  expect([...new Set(addresses)].sort()).toEqual(
    DASHBOARD_PAGES.map((page) => page.replace("/@:user/", "/:user/")).sort(),
  );
});
