// The documents of this window. Whoever imports it brings Yjs along: only lazy parts of the page do.
import { client } from "@/app/live";
import { Docs } from "./docs";

/** All documents of this window. */
export const docs = new Docs(client);
docs.sendKept();
