// The small parts that every page is made of.
import type { ComponentChildren, JSX } from "preact";
import { lookOf } from "../state/states";
import { Icon, type IconName } from "./icon";

/** A state as a shape, a word and a colour: never by colour alone. */
export function StateBadge({ state, title }: { state: string; title?: string | undefined }) {
  const look = lookOf(state);
  return (
    <span class={`badge tone-${look.tone}`} title={title}>
      <Icon name={look.shape} size={12} />
      {state}
    </span>
  );
}

type ButtonProps = Omit<JSX.IntrinsicElements["button"], "icon"> & {
  icon?: IconName;
  kind?: "plain" | "primary" | "danger" | "quiet";
  busy?: boolean;
};

export function Button({ icon, kind = "plain", busy, children, class: c, disabled, ...rest }: ButtonProps) {
  return (
    <button type="button" {...rest} class={`button ${kind} ${c ?? ""}`} disabled={busy ? true : disabled} aria-busy={busy}>
      {busy ? <span class="spinner" aria-hidden="true" /> : icon && <Icon name={icon} />}
      {children !== undefined && <span>{children}</span>}
    </button>
  );
}

/** A button that shows only an icon; its label is told and shown on hover. */
export function IconButton({ icon, label, ...rest }: { icon: IconName; label: string } & Omit<ButtonProps, "icon" | "children" | "label">) {
  return <Button kind="quiet" {...rest} icon={icon} aria-label={label} title={label} class={`square ${typeof rest.class === "string" ? rest.class : ""}`} />;
}

/** One of a few choices, all of them in sight. */
export function Segments<T extends string>(props: { label: string; value: T; options: readonly { value: T; label: string; icon?: IconName }[]; onChange: (v: T) => void; iconOnly?: boolean }) {
  return (
    <div class="segments" role="group" aria-label={props.label}>
      {props.options.map((o) => (
        <button type="button" key={o.value} aria-pressed={o.value === props.value} title={o.label} aria-label={props.iconOnly ? o.label : undefined} onClick={() => props.onChange(o.value)}>
          {o.icon && <Icon name={o.icon} />}
          {!props.iconOnly && o.label}
        </button>
      ))}
    </div>
  );
}

export function Switch({ checked, onChange, label, disabled, id }: { checked: boolean; onChange: (on: boolean) => void; label: string; disabled?: boolean; id?: string }) {
  return (
    <button type="button" id={id} role="switch" class="switch" aria-checked={checked} aria-label={label} disabled={disabled} onClick={() => onChange(!checked)}>
      <span class="knob" />
      <span class="word" aria-hidden="true">
        {checked ? "on" : "off"}
      </span>
    </button>
  );
}

export function Search({ value, onInput, label, id }: { value: string; onInput: (text: string) => void; label: string; id?: string }) {
  return (
    <label class="search">
      <Icon name="search" />
      <span class="sr">{label}</span>
      <input id={id} type="search" value={value} placeholder={label} onInput={(e) => onInput(e.currentTarget.value)} autocomplete="off" spellcheck={false} />
    </label>
  );
}

/** A panel with a heading and, on the right of it, what can be done. */
export function Card(props: { title?: ComponentChildren; actions?: ComponentChildren; children: ComponentChildren; class?: string; label?: string }) {
  return (
    <section class={`card ${props.class ?? ""}`} aria-label={props.label ?? (typeof props.title === "string" ? props.title : undefined)}>
      {(props.title !== undefined || props.actions !== undefined) && (
        <header class="card-head">
          {props.title !== undefined && <h2>{props.title}</h2>}
          <div class="card-actions">{props.actions}</div>
        </header>
      )}
      {props.children}
    </section>
  );
}

/** What stands where there is nothing, and what to do about it. */
export function Empty({ icon = "info", title, children }: { icon?: IconName; title: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <Icon name={icon} size={22} />
      <p class="empty-title">{title}</p>
      {children && <div class="muted">{children}</div>}
    </div>
  );
}

/** What stands where something could not be shown. */
export function Failure({ title, detail, onRetry }: { title: string; detail: string; onRetry?: () => void }) {
  return (
    <div class="empty failure" role="alert">
      <Icon name="alert" size={22} />
      <p class="empty-title">{title}</p>
      <p class="muted">{detail}</p>
      {onRetry && (
        <Button icon="restart" onClick={onRetry}>
          Try again
        </Button>
      )}
    </div>
  );
}

/** Grey bars where something will be in a moment. */
export function Loading({ rows = 4, label = "Loading" }: { rows?: number; label?: string }) {
  return (
    <div class="loading" role="status">
      <span class="sr">{label}</span>
      {Array.from({ length: rows }, (_, i) => (
        <span key={i} class="bone" />
      ))}
    </div>
  );
}

/** A small labelled fact. */
export function Fact({ label, children, title }: { label: string; children: ComponentChildren; title?: string | undefined }) {
  return (
    <div class="fact" title={title}>
      <dt>{label}</dt>
      <dd>{children}</dd>
    </div>
  );
}
