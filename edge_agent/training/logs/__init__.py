"""Log lines → failure codes: n-grams, sentence vectors and the small encoder, compared fold by fold."""
