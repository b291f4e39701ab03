import { queryOptions } from "@tanstack/react-query";
import { client } from "./client.js";

/** A provider, and whether the user is signed in to it. */
export const providerQuery = (provider: string) =>
  queryOptions({
    queryKey: ["external-auth", provider],
    queryFn: ({ signal }) => client.externalAuthGet({ params: { provider }, signal }),
  });

/** A code to enter at the provider. */
export const deviceQuery = (provider: string) =>
  queryOptions({
    queryKey: ["external-auth-device", provider],
    queryFn: ({ signal }) => client.externalAuthDevice({ params: { provider }, signal }),
    // Each visit gets one code, which is discarded when the page is left.
    staleTime: "static",
    gcTime: 0,
    retry: false,
  });
