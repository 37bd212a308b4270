import { RegistryError } from '../oci/errors.ts'
import { parseName } from '../oci/name.ts'
import { shown } from '../oci/shown.ts'
import { snapshotNameOf } from '../oci/snapshot-name.ts'
import { queryOf } from './params.ts'
import type { RepositoryName } from '../oci/name.ts'
import type { ApiContext, Repository } from './context.ts'

/** `http.namespaces`: a value of `ns`, in lower case, to what stands before the names of its repositories here. */
export type Namespaces = Readonly<Record<string, string>>

/** A host with or without a port, or an IPv6 address in brackets. It is only ever compared, never looked up. */
const HOST = /^(?:[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?|\[[0-9a-f:.]{2,45}\])(?::\d{1,5})?$/

/**
 * The repository a request is about: the name in its path, read once, in the namespace of its `ns` parameter.
 *
 * containerd sends to a mirror the host that an image's name begins with (distribution-spec, "Registry Proxying"). Where
 * namespaces are declared it is a key in that closed list and nothing else: what is not in it is not here, so that an
 * image is never taken for another one of the same name. Where none are, it is ignored.
 *
 * @throws RegistryError NAME_INVALID when the name or `ns` is none, or `ns` comes twice; NAME_UNKNOWN when `ns` is not in
 * the list; UNSUPPORTED when something is to be changed in a namespace, which the spec has no words for, or in the past
 */
export function requestedRepository(
  ctx: ApiContext,
  name: string,
  namespaces: Namespaces,
): Repository {
  const asked = parseName(name)
  if (isChange(ctx) && snapshotNameOf(asked) !== undefined) throw past(asked)
  const namespace = Object.keys(namespaces).length === 0 ? undefined : namespaceOf(ctx)
  if (namespace === undefined) return { name: asked, asked, namespace }
  const prefix = prefixOf(namespace, namespaces)
  if (isChange(ctx)) throw onlyForPulls(prefix, asked)
  return { name: within(prefix, asked), asked, namespace }
}

function isChange({ method }: ApiContext): boolean {
  return method !== 'GET' && method !== 'HEAD'
}

function past(name: RepositoryName): RegistryError {
  return new RegistryError('UNSUPPORTED', {
    message: 'a repository as it was under an old root (at/<root>/…) cannot be changed',
    detail: { name },
  })
}

function namespaceOf(ctx: ApiContext): string | undefined {
  const [namespace, ...more] = queryOf(ctx).getAll('ns')
  if (namespace === undefined) return undefined
  if (more.length === 0 && HOST.test(namespace.toLowerCase())) return namespace
  throw new RegistryError('NAME_INVALID', {
    message: 'ns is one host name, with a port or without: docker.io, registry.example:5000',
    detail: { ns: shown(namespace, 300) },
  })
}

function prefixOf(namespace: string, namespaces: Namespaces): string {
  const key = namespace.toLowerCase()
  const prefix = Object.hasOwn(namespaces, key) ? namespaces[key] : undefined
  if (prefix !== undefined) return prefix
  throw new RegistryError('NAME_UNKNOWN', {
    message: 'this registry keeps nothing of that namespace (http.namespaces)',
    detail: { ns: namespace },
  })
}

function within(prefix: string, name: RepositoryName): RepositoryName {
  return prefix === '' ? name : parseName(`${prefix}/${name}`)
}

function onlyForPulls(prefix: string, name: RepositoryName): RegistryError {
  return new RegistryError('UNSUPPORTED', {
    status: 400,
    message: `ns is for pulls; what is kept under it is changed by its whole name, ${within(prefix, name)}`,
  })
}
