/** As much of Preact's types as the widget needs; the library's own stand in its package. */
export function h(tag: any, props?: any, ...children: any[]): any;
export function render(what: any, into: Element): void;
export class Component<P = any, S = any> {
  constructor(props?: P);
  props: P;
  state: S;
  setState(change: Partial<S>): void;
  render(props: P, state: S): any;
}
export const options: any;
