"""What the model learns: document, make, use, request, refine, abstain. Each has its prompt, its target and its parser.

Every subtask is a module beside this one and one file in `prompts/`.
"""
