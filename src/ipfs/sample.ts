/** Some of the items, in random order, so that many who choose do not all choose the same. */
export function sample<T>(items: readonly T[], count: number): T[] {
  const left = [...items]
  const taken: T[] = []
  while (taken.length < count && left.length > 0)
    taken.push(...left.splice(Math.floor(Math.random() * left.length), 1))
  return taken
}
