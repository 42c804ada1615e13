// Questions before something is destroyed. The browser's own dialog keeps the
// focus within it and gives it back.
import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { Button } from "./basics";

interface Question {
  title: string;
  text: string;
  /** The word on the button that does it. */
  verb: string;
  danger: boolean;
  answer: (yes: boolean) => void;
}

const question = signal<Question | null>(null);

/** Asks, and tells what was answered; to close the dialog is to say no. */
export function confirm(title: string, text: string, verb: string, danger = true): Promise<boolean> {
  question.peek()?.answer(false);
  return new Promise((resolve) => {
    question.value = {
      title, text, verb, danger,
      answer: (yes) => {
        question.value = null;
        resolve(yes);
      },
    };
  });
}

export function Dialogs() {
  const q = question.value;
  const ref = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const dialog = ref.current;
    if (q && dialog && !dialog.open) dialog.showModal();
  }, [q]);
  if (!q) return null;
  return (
    <dialog ref={ref} class="dialog" aria-labelledby="dialog-title" aria-describedby="dialog-text" onClose={() => q.answer(false)} onClick={(e) => e.target === ref.current && q.answer(false)}>
      <div class="dialog-body">
        <h2 id="dialog-title">{q.title}</h2>
        <p id="dialog-text" class="muted">
          {q.text}
        </p>
        <div class="dialog-actions">
          <Button onClick={() => q.answer(false)}>Cancel</Button>
          <Button kind={q.danger ? "danger" : "primary"} onClick={() => q.answer(true)}>
            {q.verb}
          </Button>
        </div>
      </div>
    </dialog>
  );
}
