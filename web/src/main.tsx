// Start of the page.
import { QueryClientProvider } from "@tanstack/react-query";
import { createRoot } from "react-dom/client";
import { App } from "./app/App";
import { ErrorBoundary } from "./app/ErrorBoundary";
import { client, queries } from "./app/live";
import { tellRefusal } from "./app/refusals";
import { prepareWriting } from "./doc/prepare";
import "./app.css";

client.onRefusal = tellRefusal;
client.start();
const stopWaiting = client.subscribe(() => {
  if (client.connection.state !== "live") return;
  stopWaiting();
  prepareWriting();
});

const root = document.getElementById("root");
if (root) {
  createRoot(root).render(
    <ErrorBoundary name="Grove">
      <QueryClientProvider client={queries}>
        <App />
      </QueryClientProvider>
    </ErrorBoundary>,
  );
}
