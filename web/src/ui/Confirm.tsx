// The question before something that cannot be taken back.
import { useMutation } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { Button } from "./Button";
import { Dialog } from "./Dialog";
import { Field, INPUT } from "./Form";
import { ProblemNote } from "./states";

/** What is asked. */
export interface Question {
  title: string;
  body: ReactNode;
  /** What the button says that does it. */
  act: string;
  /** Has to be written before the button works. */
  typed?: string;
  run: () => Promise<unknown>;
}

/** The dialog. It stays open, with the reason, when it did not work. */
export function Confirm({ question, onClose }: { question: Question; onClose: () => void }) {
  const [typed, setTyped] = useState("");
  const run = useMutation({ mutationFn: question.run, onSuccess: onClose });
  const isReady = question.typed === undefined || typed.trim() === question.typed;
  return (
    <Dialog isOpen onClose={onClose} title={question.title} className="w-110">
      <form
        className="flex flex-col gap-4 px-5 pt-1 pb-5"
        onSubmit={(event) => {
          event.preventDefault();
          if (isReady && !run.isPending) run.mutate();
        }}
      >
        <div className="flex flex-col gap-2">{question.body}</div>
        {question.typed !== undefined && (
          <Field label={`Write “${question.typed}” to go on`}>
            {(tied) => (
              <input {...tied} autoComplete="off" value={typed} onChange={(event) => setTyped(event.target.value)} className={INPUT} />
            )}
          </Field>
        )}
        {run.isError && <ProblemNote error={run.error} />}
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>Cancel</Button>
          <Button variant="danger" type="submit" disabled={!isReady || run.isPending}>
            {question.act}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
