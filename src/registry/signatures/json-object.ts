import { isRegistryError } from '../../oci/errors.ts'
import { isJsonObject, member, parseStrictJson } from '../../oci/json.ts'
import type { JsonObject } from '../../oci/json.ts'

/** A JSON object, read as strictly as manifests are (no key twice, UTF-8, bounded depth); `undefined` for anything else. */
export function readObject(bytes: Uint8Array): JsonObject | undefined {
  try {
    const value = parseStrictJson(bytes)
    return isJsonObject(value) ? value : undefined
  } catch (error) {
    if (isRegistryError(error, 'MANIFEST_INVALID')) return undefined
    throw error
  }
}

/** What stands in an object at a path of keys; `undefined` when there is nothing. */
export function at(value: unknown, ...path: readonly string[]): unknown {
  let inner = value
  for (const key of path) inner = isJsonObject(inner) ? member(inner, key) : undefined
  return inner
}

/** The list at a path; empty when there is none. */
export function listAt(value: unknown, ...path: readonly string[]): readonly unknown[] {
  const list = at(value, ...path)
  return Array.isArray(list) ? (list as readonly unknown[]) : []
}
