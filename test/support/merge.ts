/** A configuration, or a section of one. */
export type Section = Readonly<Record<string, unknown>>

/** One over the other: sections are merged, all else is replaced. */
export function merge(base: Section, over: Section): Record<string, unknown> {
  const merged: Record<string, unknown> = { ...base }
  for (const [key, value] of Object.entries(over)) {
    const below = merged[key]
    merged[key] = isSection(below) && isSection(value) ? merge(below, value) : value
  }
  return merged
}

function isSection(value: unknown): value is Section {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
