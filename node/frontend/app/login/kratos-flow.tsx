import { Section } from '../ui/page.tsx'
import type { Flow, FlowNode } from './kratos.server.ts'

const INPUT =
  'w-full rounded border border-field-line bg-surface px-3 py-2 text-ink aria-invalid:border-bad disabled:bg-raised'

/** A form of Kratos, as it describes it (its `ui` nodes), sent to Kratos itself by the browser. */
export function KratosFlow({ title, flow: { ui } }: { title: string; flow: Flow }) {
  // Each group of settings (profile, password) is sent by itself, with what is common to all.
  const groups = [...new Set(ui.nodes.map(({ group }) => group))].filter((group) => group !== 'default')
  const shared = ui.nodes.filter(({ group }) => group === 'default')
  return (
    <>
      {ui.messages.map(({ id, text, type }) => (
        <p
          key={id}
          role="status"
          className={`rounded border p-3 ${type === 'error' ? 'border-bad bg-bad-soft text-bad' : 'border-line bg-raised'}`}
        >
          {text}
        </p>
      ))}
      {(groups.length === 0 ? ['default'] : groups).map((group) => (
        <Section key={group} title={groups.length > 1 ? nameOf(group) : title}>
          <form action={ui.action} method={ui.method} className="flex max-w-xl flex-col gap-4">
            {[...shared, ...ui.nodes.filter((node) => node.group === group && group !== 'default')].map(
              (node, index) => (
                <FlowField key={`${node.attributes.name ?? ''}-${index}`} node={node} group={group} />
              )
            )}
          </form>
        </Section>
      ))}
    </>
  )
}

function FlowField({ node: { attributes, messages, meta }, group }: { node: FlowNode; group: string }) {
  const { name, type, value, required, disabled, autocomplete } = attributes
  if (name === undefined) return null
  const text = value == null ? '' : String(value)
  if (type === 'hidden') return <input type="hidden" name={name} value={text} />
  const label = meta.label?.text ?? name
  if (type === 'submit' || type === 'button') {
    return (
      <div>
        <button
          name={name}
          value={text}
          className="cursor-pointer rounded bg-accent px-4 py-2 font-medium text-accent-ink"
        >
          {label}
        </button>
      </div>
    )
  }
  const id = `${group}-${name}`
  const fault = messages.map((message) => message.text).join(' ')
  return (
    <div className="flex flex-col gap-1">
      <label htmlFor={id} className="font-medium">
        {label}
      </label>
      <input
        id={id}
        name={name}
        type={type ?? 'text'}
        defaultValue={text}
        required={required === true}
        disabled={disabled === true}
        autoComplete={autocomplete}
        aria-invalid={fault !== '' || undefined}
        aria-describedby={fault === '' ? undefined : `${id}-fault`}
        className={INPUT}
      />
      {fault !== '' && (
        <p id={`${id}-fault`} className="text-sm font-medium text-bad">
          {fault}
        </p>
      )}
    </div>
  )
}

function nameOf(group: string): string {
  return `${group.slice(0, 1).toUpperCase()}${group.slice(1).replaceAll('_', ' ')}`
}
