// The page of somebody whom the instance does not know: one field for a personal access token.
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { KeyRound } from "lucide-react";
import { useId, useState } from "react";
import { client } from "@/app/live";
import { api } from "@/net/api";
import { Button } from "@/ui/Button";
import { ProblemNote } from "@/ui/states";

/** Asks for a token and signs in with it. */
export function SignIn() {
  const cache = useQueryClient();
  const field = useId();
  const [token, setToken] = useState("");
  const signIn = useMutation({
    mutationFn: () => api.login.createWithToken(token.trim()),
    onSuccess: async () => {
      setToken("");
      await cache.resetQueries();
      client.reconnect();
    },
  });
  return (
    <main className="flex min-h-dvh items-center justify-center bg-surface p-4 text-fg">
      <form
        aria-labelledby={`${field}-title`}
        onSubmit={(event) => {
          event.preventDefault();
          if (token.trim()) signIn.mutate();
        }}
        className="flex w-96 max-w-full flex-col gap-3 rounded-xl border border-strong bg-raised p-5 shadow-(--float)"
      >
        <div className="flex items-center gap-2">
          <KeyRound size={16} aria-hidden="true" className="text-muted" />
          <h1 id={`${field}-title`} className="font-semibold">
            Sign in to Grove
          </h1>
        </div>
        <label htmlFor={field} className="text-xs text-muted">
          Personal access token
        </label>
        <input
          id={field}
          // The only thing to do on this page.
          // biome-ignore lint/a11y/noAutofocus: there is nothing else that could be focused
          autoFocus
          type="password"
          autoComplete="current-password"
          spellCheck={false}
          placeholder="grove_pat_…"
          value={token}
          onChange={(event) => setToken(event.target.value)}
          className="h-9 min-w-0 rounded-md border border-strong bg-surface px-3 font-mono max-[719px]:h-10"
        />
        <Button variant="primary" type="submit" className="h-9" disabled={!token.trim() || signIn.isPending}>
          {signIn.isPending ? "Signing in…" : "Sign in"}
        </Button>
        {signIn.isError && <ProblemNote error={signIn.error} />}
        <p className="text-xs text-muted">
          An admin makes one with <code className="font-mono">grove admin user token NAME</code>.
        </p>
      </form>
    </main>
  );
}
