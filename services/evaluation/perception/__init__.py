"""Tables 3 and 5 of the paper: how well distortion saliency is predicted, and what each part of the network adds."""
