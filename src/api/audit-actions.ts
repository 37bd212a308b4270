import type { AuditedAction } from './audit.ts'

/**
 * What a route does, and when a success gets a line: each change; `pulls` only where they are asked for; `refusals`:
 * a success is no change, so only its refusals do.
 */
export interface Audited {
  readonly action: AuditedAction
  readonly told: 'changes' | 'pulls' | 'refusals'
}

const change = (action: AuditedAction): Audited => ({ action, told: 'changes' })
const pull = (action: AuditedAction): Audited => ({ action, told: 'pulls' })
const only = (action: AuditedAction): Audited => ({ action, told: 'refusals' })

/** By method and path, as in the tables of routes; HEAD is GET. A test finds routes that are not here. */
export const AUDITED: Readonly<Record<string, Audited>> = {
  'GET /v2{/}': only('enter'),
  'GET /v2/_catalog': only('list'),
  'GET /v2/_oci/ext/discover': only('enter'),
  'GET /v2/*name/_oci/ext/discover': only('enter'),
  'DELETE /v2/*name/_heliport/repository': change('delete-repository'),
  'GET /v2/*name/tags/list': only('list'),
  'GET /v2/*name/referrers/:digest': only('list'),

  // Whether it mounts, uploads at once or only begins, the answer tells.
  'POST /v2/*name/blobs/uploads{/}': change('upload'),
  'GET /v2/*name/blobs/uploads/:id': only('upload'),
  'PATCH /v2/*name/blobs/uploads/:id': only('upload'),
  'PUT /v2/*name/blobs/uploads/:id': change('push-blob'),
  'DELETE /v2/*name/blobs/uploads/:id': only('upload'),

  'GET /v2/*name/blobs/:digest': pull('pull-blob'),
  'DELETE /v2/*name/blobs/:digest': change('delete-blob'),
  'GET /v2/*name/manifests/:reference': pull('pull-manifest'),
  'PUT /v2/*name/manifests/:reference': change('push-manifest'),
  // Of a tag or of a manifest: the reference tells.
  'DELETE /v2/*name/manifests/:reference': change('delete-manifest'),

  // Who gets a token is seen in what he does with it.
  'GET /v2/token': only('enter'),
  'POST /v2/token': only('enter'),

  'GET /healthz': only('status'),
  'GET /readyz': only('status'),
  'GET /api/v1/status': only('status'),

  'GET /api/v1/keys': only('key-list'),
  'POST /api/v1/keys/export': change('key-export'),
  'POST /api/v1/keys/import': change('key-import'),
  'POST /api/v1/keys/takeover': change('key-takeover'),
  'GET /api/v1/log': only('log'),
  'POST /api/v1/diff': only('diff'),
  'POST /api/v1/gc': change('gc'),
  'POST /api/v1/fsck': change('fsck-repair'),
  'POST /api/v1/rollback': change('rollback'),
  'POST /api/v1/export': change('export'),
}
