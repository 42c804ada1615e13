import type { GroupID } from "../state/states";
import { groups } from "../state/states";
import { Icon } from "./icon";

/** How many scripts do what. A press shows only those. */
export function HealthStrip({ counts, chosen, onChoose }: { counts: Record<GroupID, number>; chosen: GroupID | ""; onChoose: (g: GroupID | "") => void }) {
  // Told aloud when it changes: what asks for somebody, and nothing that changes all the time.
  const troubles = [counts.failed ? `${counts.failed} failed` : "", counts.stalled ? `${counts.stalled} stalled` : ""].filter(Boolean).join(", ");
  return (
    <div class="health" role="group" aria-label="Scripts by state">
      {groups.map((g) => (
        <button
          type="button" key={g.id} class={`tone-${g.tone} ${counts[g.id] === 0 ? "none" : ""}`} aria-pressed={chosen === g.id}
          title={chosen === g.id ? "Show all scripts" : `Show only these: ${g.states.join(", ")}`}
          onClick={() => onChoose(chosen === g.id ? "" : g.id)}
        >
          <span class="sign">
            <Icon name={g.shape} size={15} />
          </span>
          <span>
            <span class="count">{counts[g.id]}</span>
            <br />
            <span class="label">{g.label}</span>
          </span>
        </button>
      ))}
      <span class="sr" role="status">
        {troubles}
      </span>
    </div>
  );
}
