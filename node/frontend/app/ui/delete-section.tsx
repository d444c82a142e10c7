import { SubmitButton } from './button.tsx'
import { TextField } from './fields.tsx'
import { confirmForm } from './form-fields.ts'
import { NodeForm, useNodeForm } from './node-form.tsx'
import { Section } from './page.tsx'

/** The last part of a page: deletes what it is about, once the words were typed. Its form's intent is `delete`. */
export function DeleteSection({
  what,
  words,
  consequence
}: {
  what: string
  words: string
  consequence: string
}) {
  const { form, fields } = useNodeForm(confirmForm(words), { intent: 'delete' })
  return (
    <Section title={`Delete this ${what}`} help={consequence}>
      <NodeForm form={form} intent="delete">
        <TextField field={fields.confirmation} label={`Type “${words}” to confirm`} />
        <div>
          <SubmitButton look="danger">Delete {what}</SubmitButton>
        </div>
      </NodeForm>
    </Section>
  )
}
