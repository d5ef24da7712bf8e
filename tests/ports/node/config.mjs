/**
 * What an operator may choose, and within which bounds: SPEC.md, section 7.
 */

/** @type {Record<string, [initial: number, from: number, to: number | string]>} */
const FIELDS = {
  rotation_bytes: [83886080, 8193, 'file_bytes_max'],
  file_bytes_max: [104857600, 8193, 2 ** 40],
  batch_bytes_max: [4194304, 1, 2 ** 30],
  event_bytes_max: [1044480, 47, 1044480],
  quota_bytes: [1048576000, 16384, 2 ** 50],
  quarantine_bytes_max: [67108864, 0, 'quota_bytes'],
  quarantine_files_max: [64, 0, 10000],
  acknowledge_interval_ns: [1_000_000_000, 0, 3_600_000_000_000],
  acknowledge_count_max: [1000, 1, 1_000_000_000],
};

/**
 * @param {Record<string, unknown>} settings any of the fields
 * @returns {Record<string, number>} all fields
 * @throws {RangeError} before anything is opened
 */
export function makeConfig(settings) {
  for (const name of Object.keys(settings)) {
    if (!Object.hasOwn(FIELDS, name)) throw new RangeError(`there is no setting ${name}`);
  }
  /** @type {Record<string, number>} */
  const config = {};
  for (const [name, [initial]] of Object.entries(FIELDS)) {
    config[name] = /** @type {number} */ (settings[name] ?? initial);
  }
  for (const [name, [, from, to]] of Object.entries(FIELDS)) {
    const limit = typeof to === 'string' ? config[to] : to;
    if (!Number.isInteger(config[name]) || config[name] < from || config[name] > limit) {
      throw new RangeError(`${name} is ${config[name]}, not from ${from} to ${limit}`);
    }
  }
  return config;
}
