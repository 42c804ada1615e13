// What who is not logged in sees.
import { useSignal } from "@preact/signals";
import { Button } from "../components/basics";
import { Icon } from "../components/icon";
import { logIn, refusal } from "../api/session";

export function Gate() {
  const typed = useSignal("");
  return (
    <main class="gate">
      <section class="card" aria-labelledby="gate-title">
        <h1 id="gate-title">mlhost</h1>
        {refusal.value && (
          <p class="spread tone-warn-text" role="alert">
            <Icon name="alert" /> {refusal.value}
          </p>
        )}
        <p>This page needs a link that is good once. On the machine of the host, run</p>
        <pre>mlhost ui</pre>
        <p class="muted">and follow what it prints. The tab then stays logged in until it is closed, for a week at most.</p>
        <form
          onSubmit={(e) => {
            e.preventDefault();
            if (typed.value.trim()) logIn(typed.value);
          }}
        >
          <input
            class="input mono" type="password" autocomplete="off" aria-label="Token of the host" placeholder="or paste the token of the host" value={typed.value}
            onInput={(e) => (typed.value = e.currentTarget.value)}
          />
          <Button type="submit" kind="primary">
            Log in
          </Button>
        </form>
      </section>
    </main>
  );
}
