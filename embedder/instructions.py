"""Task instructions by name, as the instruction-tuned embedders were trained with them (the table of E5-mistral).

Two of them are general: "retrieval" for web-like search and "answer" for questions to one's own files.
"""

_QUESTION = "Given a question, retrieve Wikipedia passages that answer the question"

INSTRUCTIONS: dict[str, str] = {
    "answer": "Given a question, retrieve passages that answer it",
    "retrieval": "Given a web search query, retrieve relevant passages that answer the query",
    "documents": "Given a web search query, retrieve relevant documents that answer the query",
    "chinese": "Given a Chinese search query, retrieve web passages that answer the question",
    "code": "Given a question about code, retrieve code that answers the question",
    "similarity": "Retrieve semantically similar text",
    "parallel": "Retrieve parallel sentences",
    "entailment": "Given a premise, retrieve a hypothesis that is entailed by the premise",
    "arguana": "Given a claim, find documents that refute the claim",
    "climate-fever": "Given a claim about climate change, retrieve documents that support or refute the claim",
    "cqadupstack": (
        "Given a question, retrieve detailed question descriptions from Stackexchange that are duplicates to the given"
        " question"
    ),
    "dbpedia": "Given a query, retrieve relevant entity descriptions from DBPedia",
    "eli5": "Provided a user question, retrieve the highest voted answers on Reddit ELI5 forum",
    "fever": "Given a claim, retrieve documents that support or refute the claim",
    "fiqa": "Given a financial question, retrieve user replies that best answer the question",
    "hotpotqa": "Given a multi-hop question, retrieve documents that can help answer the question",
    "miracl": _QUESTION,
    "msmarco": "Given a web search query, retrieve relevant passages that answer the query",
    "nfcorpus": "Given a question, retrieve relevant documents that best answer the question",
    "nq": _QUESTION,
    "quora": "Given a question, retrieve questions that are semantically equivalent to the given question",
    "scidocs": "Given a scientific paper title, retrieve paper abstracts that are cited by the given paper",
    "scifact": "Given a scientific claim, retrieve documents that support or refute the claim",
    "squad": "Retrieve Wikipedia passages that answer the question",
    "sts": "Retrieve semantically similar text.",
    "summeval": "Given a news summary, retrieve other semantically similar summaries",
    "touche": "Given a question, retrieve detailed and persuasive arguments that answer the question",
    "trec-covid": "Given a query on COVID-19, retrieve documents that answer the query",
    "triviaqa": "Retrieve Wikipedia passages that answer the question",
}
