"""Feedback on wrong data 疑义反馈 and complaints 投诉: reported, verified by the provider, answered, closed; by terms, with a history that is proven."""
