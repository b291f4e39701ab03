import type { Organization } from "@fleet/sdk";
import { useOutletContext } from "react-router";

/** The organization whose page this is. */
export const useOrganization = () => useOutletContext<Organization>();
