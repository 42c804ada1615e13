/** The course of a number in a bounded number of points: it thins itself out
 * as it grows, so that it always spans all that was pushed. */
export class Spark {
  private values: number[] = [];
  private every = 1;
  private count = 0;

  constructor(private readonly size: number) {}

  push(value: number): void {
    if (this.count % this.every === 0) this.values.push(value);
    else this.values[this.values.length - 1] = value; // the last point is the newest
    this.count++;
    if (this.values.length < this.size) return;
    this.values = this.values.filter((_, i) => i % 2 === 0);
    this.every *= 2;
    this.count = this.values.length * this.every;
  }

  /** Takes a course that was read anew in place of what there was. */
  replace(course: readonly number[]): void {
    this.values = [];
    this.every = 1;
    this.count = 0;
    for (const v of course) this.push(v);
  }

  get points(): readonly number[] {
    return this.values;
  }
}
