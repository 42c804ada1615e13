// A component that is drawn anew only when one of its props has changed, or a
// signal that it reads.
import { Component, h, type ComponentChild, type ComponentType } from "preact";

export function memo<P extends object>(view: (props: P) => ComponentChild): ComponentType<P> {
  return class extends Component<P> {
    override shouldComponentUpdate(next: P): boolean {
      const keys = Object.keys(next) as (keyof P)[];
      return keys.length !== Object.keys(this.props).length || keys.some((k) => next[k] !== (this.props as P)[k]);
    }
    override render(props: P): ComponentChild {
      return h(view as ComponentType<P>, props);
    }
  };
}
