// Owns the shape of options: which there are, and of which type. What their values may
// be is the engine's to say.

/** A type by the name that a mistake is reported with. */
export type Kind = 'string' | 'number' | 'boolean' | 'object' | 'function' | readonly string[];

/** The options a call takes. */
export type Shape = Readonly<Record<string, Kind>>;

const fits = (value: unknown, kind: Kind): boolean =>
  typeof kind === 'string'
    ? typeof value === kind && value !== null
    : kind.includes(value as string) || kind.includes(typeof value);

/** Refuses unknown options and values of another type, by name. */
export function check(call: string, options: object, shape: Shape): void {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`${call} takes an object of options, not ${String(options)}`);
  }
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(shape, name)) {
      throw new TypeError(`${call} has no option ${name}; it has ${Object.keys(shape).join(', ')}`);
    }
    const kind = shape[name]!;
    if (value !== undefined && !fits(value, kind)) {
      const expected = typeof kind === 'string' ? kind : kind.join(' or ');
      throw new TypeError(`option ${name} of ${call} must be ${expected}, not ${describe(value)}`);
    }
  }
}

const describe = (value: unknown): string =>
  typeof value === 'string' ? JSON.stringify(value) : value === null ? 'null' : typeof value;

/** Levels of durability. */
export const LEVELS = ['buffered', 'stored', 'synced'] as const;

/** Options that are settings of a log. */
export const SETTINGS: Shape = {
  durability: LEVELS,
  compression: ['none', 'lz4', 'deflate'],
  segmentBytes: 'number',
  align: 'number',
  indexes: 'object',
  retention: 'object',
  segmentAge: 'number',
  producerExpiry: 'number',
  cacheBytes: 'number',
};

/** The options without those that are undefined: not given, and given as undefined, are
 * the same. */
export function given<T extends object>(options: T): Partial<T> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Partial<T>;
}
